// What pages can do beyond links and forms: keys, copying, and a page that stays where it is when older messages load.
"use strict";
(function () {
  var opened = -1;

  function links() {
    return Array.prototype.slice.call(document.querySelectorAll("main a.open"));
  }

  function move(step) {
    var all = links();
    if (all.length === 0) return;
    opened = opened < 0 ? inView(all, step) : Math.max(0, Math.min(all.length - 1, opened + step));
    all[opened].focus();
  }

  // The first link that is in view, or the last one on the way up.
  function inView(all, step) {
    var place = step > 0 ? all.length - 1 : 0;
    all.forEach(function (link, index) {
      var box = link.getBoundingClientRect();
      if (step > 0 && box.top >= 0) place = Math.min(place, index);
      if (step < 0 && box.bottom <= window.innerHeight) place = index;
    });
    return place;
  }

  function isTyping(target) {
    return /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
  }

  function copy(area) {
    var said = document.getElementById("copied");
    var tell = function () {
      if (!said) return;
      // A screen reader says it again only if it was gone.
      said.textContent = "";
      setTimeout(function () {
        said.textContent = said.getAttribute("data-text");
      }, 50);
    };
    if (navigator.clipboard && window.isSecureContext) {
      navigator.clipboard.writeText(area.value).then(tell);
      return;
    }
    // Without TLS there is no clipboard but this one.
    var details = area.closest("details");
    if (details) details.open = true;
    area.select();
    document.execCommand("copy");
    tell();
  }

  // The key by its letter; on a layout without Latin letters, by its place.
  var PLACES = { KeyJ: "j", KeyK: "k", KeyG: "g", KeyS: "s", KeyC: "c" };
  function keyOf(event) {
    // Cyrillic layouts have the dot and the comma there.
    if (event.code === "Slash" && /^[.,]$/.test(event.key)) return event.shiftKey ? "?" : "/";
    return event.key.charCodeAt(0) < 0x250 ? event.key : PLACES[event.code] || event.key;
  }

  var afterG = false;
  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    var help = document.getElementById("help");
    var key = keyOf(event);
    if (afterG && key === "s") {
      location.href = "/console/";
    } else if (key === "/") {
      var box = document.getElementById("q");
      if (box) box.focus();
      event.preventDefault();
    } else if (key === "j") {
      move(1);
    } else if (key === "k") {
      move(-1);
    } else if (key === "c") {
      var area = document.getElementById("copy-link");
      if (area) copy(area);
    } else if (key === "?") {
      if (help) {
        help.open = !help.open;
        help.querySelector("summary").focus();
      }
    } else if (key === "Escape") {
      if (help && help.open) help.open = false;
      else history.back();
    }
    afterG = key === "g";
  });

  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-copy]");
    if (button) copy(document.getElementById(button.getAttribute("data-copy")));
  });

  document.addEventListener("focusin", function (event) {
    var place = links().indexOf(event.target);
    if (place >= 0) opened = place;
  });

  // Times are those of the browser's zone, until the user chooses another.
  var ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
  var field = document.getElementById("browser-zone");
  if (field) field.value = ownZone;
  var zones = document.getElementById("zone");
  if (zones && ownZone) {
    var isOffered = Array.prototype.some.call(zones.options, function (option) {
      return option.value === ownZone;
    });
    if (!isOffered) zones.add(new Option(ownZone, ownZone));
  }

  // A link whose part of a page cannot be had is followed as a page, which says why.
  ["htmx:responseError", "htmx:sendError"].forEach(function (name) {
    document.addEventListener(name, function (event) {
      var part = event.detail.elt;
      if (part.matches("a[href]")) location.href = part.href;
    });
  });

  // What is inserted above must not move what is read.
  var height = 0;
  document.addEventListener("htmx:beforeSwap", function () {
    height = document.documentElement.scrollHeight;
  });
  document.addEventListener("htmx:afterSettle", function (event) {
    var isOlder = event.detail.requestConfig && event.detail.requestConfig.path.indexOf("before=") > 0;
    // The event comes once for each element that was inserted.
    if (!isOlder || height === 0) return;
    var said = "";
    Array.prototype.forEach.call(document.querySelectorAll(".days .day"), function (heading) {
      if (heading.textContent === said) heading.remove();
      else said = heading.textContent;
    });
    window.scrollTo(0, window.scrollY + document.documentElement.scrollHeight - height);
    height = 0;
    var next = document.querySelector("#older a") || links()[0];
    // What `j` and `k` go on from stands elsewhere now.
    opened = -1;
    if (next) next.focus({ preventScroll: true });
  });
})();
