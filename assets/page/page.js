// Starts Swagger UI, keeps entered keys for this tab, and offers the keys of a sandbox.
"use strict";

(async () => {
  const PLACE = "history-gateway.keys";
  const buttons = new Map();
  let kept = "{}";

  // What was entered in this tab before, by security scheme. A tab may be without a storage.
  const remembered = () => {
    try {
      return Object.entries(JSON.parse(sessionStorage.getItem(PLACE) ?? "{}"));
    } catch {
      return [];
    }
  };

  const keep = (entered) => {
    const text = JSON.stringify(entered);
    if (text === kept) return;
    kept = text;
    try {
      sessionStorage.setItem(PLACE, text);
    } catch {
      // They are gone with the page then.
    }
    for (const [button, key] of buttons) {
      const isEntered = Object.entries(key.entered).every(([scheme, value]) => entered[scheme] === value);
      button.setAttribute("aria-pressed", String(isEntered));
    }
  };

  const offer = (keys, enter) => {
    const section = document.getElementById("keys");
    const list = section.querySelector("ul");
    for (const key of keys) {
      const [item, button, value, name] = ["li", "button", "code", "span"].map((tag) => document.createElement(tag));
      value.textContent = key.value;
      name.textContent = key.name;
      button.type = "button";
      button.setAttribute("aria-pressed", "false");
      button.append(value, name);
      button.addEventListener("click", () => enter(Object.entries(key.entered)));
      item.append(button);
      list.append(item);
      buttons.set(button, key);
    }
    section.hidden = keys.length === 0;
  };

  const answer = await fetch("keys.json");
  const { keys } = answer.ok ? await answer.json() : { keys: [] };
  const ui = SwaggerUIBundle({
    url: "../openapi.json",
    dom_id: "#page",
    deepLinking: true,
    displayRequestDuration: true,
    tryItOutEnabled: true,
    validatorUrl: null,
    presets: [SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
    onComplete: () => {
      const enter = (schemes) => schemes.forEach(([scheme, value]) => ui.preauthorizeApiKey(scheme, value));
      const before = remembered();
      offer(keys, enter);
      ui.getStore().subscribe(() => {
        const authorized = Object.entries(ui.authSelectors.authorized()?.toJS() ?? {});
        keep(Object.fromEntries(authorized.map(([scheme, { value }]) => [scheme, value])));
      });
      enter(before);
    },
  });
})();
