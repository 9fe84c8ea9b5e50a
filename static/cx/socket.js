// A socket that comes back: grows patient, greets again, and tells the page when the line is lost.
export class Line {
  constructor(path, { onOpen, onMessage, onLost }) {
    this.url = new URL(path, window.location.href);
    this.url.protocol = this.url.protocol.replace("http", "ws");
    Object.assign(this, { onOpen, onMessage, onLost, tries: 0, heard: 0 });
    this.connect();
    setInterval(() => this.beat(), 10000);
    window.addEventListener("online", () => this.again());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.again());
  }

  connect() {
    this.socket = new WebSocket(this.url);
    this.socket.addEventListener("open", () => {
      this.tries = 0;
      this.heard = Date.now();
      this.onOpen(this);
    });
    this.socket.addEventListener("message", (event) => {
      this.heard = Date.now();
      this.onMessage(JSON.parse(event.data));
    });
    this.socket.addEventListener("close", (event) => this.lost(event.code));
  }

  lost(code) {
    this.onLost(code);
    if (code === 4401) return window.location.reload();
    if (code === 4403) return;
    const wait = Math.min(8000, 300 * 2 ** this.tries++) * (0.7 + 0.6 * Math.random());
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), wait);
  }

  again() {
    if (this.socket.readyState !== WebSocket.CLOSED) return;
    clearTimeout(this.timer);
    this.connect();
  }

  // A line that swallows everything looks open: silence after a beat closes it.
  beat() {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    if (Date.now() - this.heard > 30000) this.socket.close();
    else this.send({ kind: "beat" });
  }

  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }
}
