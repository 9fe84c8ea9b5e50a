// A socket that comes back: grows patient, greets again, and tells the page when the line is lost.
export class Line {
  constructor(path, { onOpen, onMessage, onLost }) {
    this.url = new URL(path, window.location.href);
    this.url.protocol = this.url.protocol.replace("http", "ws");
    Object.assign(this, { onOpen, onMessage, onLost, tries: 0, heard: 0 });
    this.connect();
    setInterval(() => this.beat(), 10000);
    window.addEventListener("online", () => this.again());
    window.addEventListener("offline", () => this.drop());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.again());
  }

  connect() {
    clearTimeout(this.timer);
    const socket = (this.socket = new WebSocket(this.url));
    Object.assign(this, { asked: Date.now(), heard: 0 });
    const hear = (name, act) => socket.addEventListener(name, (event) => socket === this.socket && act(event));
    hear("open", () => {
      this.tries = 0;
      this.heard = Date.now();
      this.onOpen(this);
    });
    hear("message", (event) => {
      this.heard = Date.now();
      this.onMessage(JSON.parse(event.data));
    });
    hear("close", (event) => this.lost(event.code));
  }

  lost(code) {
    this.socket = null;
    this.onLost(code);
    if (code === 4401) return window.location.reload();
    if (code === 4403) return;
    const wait = Math.min(8000, 300 * 2 ** this.tries++) * (0.7 + 0.6 * Math.random());
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), wait);
  }

  again() {
    if (!this.socket) this.connect();
  }

  // Nobody waits for the closing handshake of a dead line: that takes a browser a minute.
  drop() {
    const socket = this.socket;
    if (!socket) return;
    this.lost(0);
    socket.close();
  }

  // A line that swallows everything looks open, or opens for ever: a beat without an answer ends it. Its age alone
  // says nothing, since the timers of a hidden page run once a minute.
  beat() {
    if (!this.socket) return;
    if (this.heard < this.asked) {
      if (Date.now() - this.asked > 15000) this.drop();
      return;
    }
    this.asked = Date.now();
    this.send({ kind: "beat" });
  }

  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }
}
