/* The chat of CX Center on a site: a launcher and a frame. It runs in somebody else's page, so it is plain ES5,
   styles its own elements only, and leaves one name: window.cxcenter. docs/widget.md */
(function () {
  "use strict";
  var script = document.currentScript;
  var before = window.cxcenter;
  if (!script || (before && before.open)) return;
  var center = script.src.split("/").slice(0, 3).join("/");
  var site = script.getAttribute("data-site");
  var language = script.getAttribute("data-lang") || document.documentElement.lang || "";
  var NARROW = 480;
  var still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  var frame, launcher, badge, texts = {}, isOpen = false, isReady = false, unread = 0, title, blinking, page;
  var waiting = [];
  var KEPT = "cxcenter." + site, MOST = 30;
  var reports = left();

  function style(element, rules) {
    element.style.setProperty("all", "initial", "important");
    for (var name in rules) element.style.setProperty(name, rules[name], "important");
  }

  function say(message) {
    if (isReady) frame.contentWindow.postMessage(message, center);
    else waiting.push(message);
  }

  /* --- The frame and its launcher --- */

  function place() {
    var full = window.innerWidth < NARROW;
    style(frame, {
      position: "fixed", "z-index": "2147483001", border: "0", "color-scheme": "normal",
      right: full ? "0" : "24px", bottom: full ? "0" : "96px",
      width: full ? "100%" : "368px", height: full ? "100%" : "600px",
      "max-height": full ? "100%" : "calc(100vh - 116px)", "max-width": "100%",
      "border-radius": full ? "0" : "12px", "box-shadow": "0 12px 40px rgba(16, 24, 40, .22)",
      visibility: isOpen ? "visible" : "hidden", "pointer-events": isOpen ? "auto" : "none",
      transform: isOpen ? "none" : "translateY(12px)", opacity: isOpen ? "1" : "0",
      transition: still ? "none" : "opacity .15s, transform .15s"
    });
    if (launcher) launcher.style.setProperty("display", isOpen && full ? "none" : "grid", "important");
  }

  function addFrame() {
    frame = document.createElement("iframe");
    frame.title = "Chat";
    frame.src = center + "/widget/frame/" + encodeURIComponent(site) + "/?lang=" + encodeURIComponent(language);
    frame.addEventListener("load", function () {
      frame.contentWindow.postMessage({ cx: "hello", page: page, open: isOpen }, center);
    });
    place();
    document.body.appendChild(frame);
  }

  function drawing(paths) {
    var space = "http://www.w3.org/2000/svg";
    var svg = document.createElementNS(space, "svg");
    var given = { viewBox: "0 0 24 24", width: "28", height: "28", fill: "none", stroke: "#fff", "stroke-width": "2",
      "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true" };
    for (var name in given) svg.setAttribute(name, given[name]);
    for (var i = 0; i < paths.length; i++) {
      var path = document.createElementNS(space, "path");
      path.setAttribute("d", paths[i]);
      svg.appendChild(path);
    }
    return svg;
  }

  function addLauncher(colour) {
    launcher = document.createElement("button");
    launcher.type = "button";
    style(launcher, {
      position: "fixed", right: "24px", bottom: "24px", width: "60px", height: "60px", "z-index": "2147483000",
      display: "grid", "place-items": "center", "border-radius": "50%", cursor: "pointer", background: colour,
      "box-shadow": "0 6px 20px rgba(16, 24, 40, .28)", "box-sizing": "border-box"
    });
    launcher.appendChild(drawing(["M8 9h8", "M8 13h6", "M18 4a3 3 0 0 1 3 3v8a3 3 0 0 1 -3 3h-5l-5 3v-3h-2a3 3 0 0 1 -3 -3v-8a3 3 0 0 1 3 -3h12z"]));
    badge = document.createElement("span");
    badge.setAttribute("aria-hidden", "true");
    launcher.appendChild(badge);
    launcher.addEventListener("click", function () { isOpen ? close() : open(); });
    launcher.addEventListener("focus", ring);
    launcher.addEventListener("blur", ring);
    document.body.appendChild(launcher);
    show();
  }

  function ring() {
    var on = document.activeElement === launcher && launcher.matches(":focus-visible");
    launcher.style.setProperty("outline", on ? "3px solid #1f5bd0" : "none", "important");
    launcher.style.setProperty("outline-offset", "2px", "important");
  }

  function show() {
    if (!launcher) return;
    var name = isOpen ? texts.close : texts.open;
    launcher.setAttribute("aria-label", unread && !isOpen ? name + ". " + texts.unread.replace("{n}", unread) : name);
    launcher.setAttribute("aria-expanded", String(isOpen));
    style(badge, {
      position: "absolute", right: "-2px", top: "-2px", "min-width": "20px", height: "20px", padding: "0 5px",
      "border-radius": "10px", background: "#d02f36", color: "#fff", "box-sizing": "border-box",
      font: "600 12px/20px Inter, system-ui, sans-serif", "text-align": "center",
      display: unread && !isOpen ? "block" : "none"
    });
    badge.textContent = unread > 99 ? "99+" : String(unread);
    place();
    blink();
  }

  function open() {
    isOpen = true;
    say({ cx: "opened" });
    show();
    if (frame) frame.focus();
  }

  function close() {
    isOpen = false;
    say({ cx: "closed" });
    show();
    if (launcher) launcher.focus();
  }

  /* --- The page's title calls the one who looks elsewhere --- */

  function blink() {
    var call = unread > 0 && document.hidden;
    if (call && !blinking) {
      title = document.title;
      blinking = setInterval(function () {
        var called = "(" + unread + ") " + texts.message;
        document.title = document.title === called ? title : called;
      }, 1500);
    } else if (!call && blinking) {
      clearInterval(blinking);
      blinking = 0;
      document.title = title;
    }
  }

  /* --- What the frame may know of the page --- */

  function here() {
    var utm = {};
    var found = /[?&]utm_(source|medium|campaign|term|content)=([^&#]*)/g;
    var match;
    while ((match = found.exec(location.search))) {
      try { utm[match[1]] = decodeURIComponent(match[2].replace(/\+/g, " ")); } catch (error) { /* not readable */ }
    }
    return { url: location.href, title: blinking ? title : document.title, referrer: document.referrer, utm: utm };
  }

  function look() {
    var now = here();
    if (page && page.url === now.url) return;
    page = now;
    report("page_view", {}, page);
  }

  /* --- What happened here: the tab keeps it until the frame has it, for this page may be left before --- */

  function left() {
    try { return [].concat(JSON.parse(sessionStorage.getItem(KEPT)) || []); } catch (error) { return []; }
  }

  function keep() {
    try {
      if (reports.length) sessionStorage.setItem(KEPT, JSON.stringify(reports));
      else sessionStorage.removeItem(KEPT);
    } catch (error) { /* nothing is kept for this page */ }
  }

  function newKey() {
    return "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx".replace(/x/g, function () {
      return Math.floor(Math.random() * 16).toString(16);
    });
  }

  function report(type, data, where) {
    var plain = JSON.parse(JSON.stringify(data || {}));
    var one = { cx: "track", key: newKey(), at: new Date().toISOString(), type: type, data: plain, page: where };
    reports.push(one);
    reports = reports.slice(-MOST);
    keep();
    if (isReady) say(one);
  }

  function forget(key) {
    reports = reports.filter(function (one) { return one.key !== key; });
    keep();
  }

  function watch(name) {
    var original = history[name];
    history[name] = function () {
      var result = original.apply(this, arguments);
      /* The page sets its title after the address. */
      setTimeout(look, 300);
      return result;
    };
  }

  /* --- Talking to the frame: its window and the center's origin only --- */

  window.addEventListener("message", function (event) {
    if (!frame || event.source !== frame.contentWindow || event.origin !== center) return;
    var heard = event.data || {};
    if (heard.cx === "ready") {
      if (!isReady) arrive(heard);
      for (var i = 0; i < reports.length; i++) say(reports[i]);
    } else if (heard.cx === "got") {
      forget(heard.key);
    } else if (heard.cx === "unread") {
      unread = Number(heard.n) || 0;
      show();
    } else if (heard.cx === "close") {
      close();
    }
  });

  function arrive(heard) {
    isReady = true;
    texts = heard.texts;
    frame.title = texts.chat;
    addLauncher(heard.colour);
    while (waiting.length) say(waiting.shift());
  }

  function identify(jwt) {
    say({ cx: "identify", jwt: jwt || null });
  }

  function track(type, data) {
    look();
    report(String(type), data, here());
  }

  function begin() {
    look();
    addFrame();
    watch("pushState");
    watch("replaceState");
    window.addEventListener("popstate", function () { setTimeout(look, 300); });
    window.addEventListener("hashchange", look);
    window.addEventListener("resize", place);
    document.addEventListener("visibilitychange", blink);
  }

  var api = { open: open, close: close, track: track, identify: identify };
  window.cxcenter = api;
  /* Who leaves before all is loaded was here all the same. */
  window.addEventListener("pagehide", look);
  if (document.readyState === "complete") begin();
  else window.addEventListener("load", begin);
  var calls = (before && before.queue) || [];
  for (var i = 0; i < calls.length; i++) api[calls[i][0]].apply(null, calls[i].slice(1));
})();
