// The reference of the API, read from this installation's own description. Keys stay in this page's memory alone.
(() => {
  "use strict";
  const place = document.getElementById("reference");

  // The reference is dark where this says so, and follows the system while it is open.
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const dress = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  dark.addEventListener("change", dress);
  dress();

  // The page's own landmark holds all, headings follow one another, and no link stands within a button.
  const readableByAll = ({ React }) => ({
    wrapComponents: {
      DeepLink: () => ({ text }) => React.createElement("span", { className: "nostyle" }, text),
    },
    components: {
      Reference: ({ getComponent }) => {
        const part = (name) => React.createElement(getComponent(name, true));
        return React.createElement("div", { className: "swagger-ui" },
          React.createElement(getComponent("SvgAssets")),
          React.createElement("div", { className: "wrapper information-container" }, part("InfoContainer")),
          React.createElement("div", { className: "scheme-container" },
            React.createElement("div", { className: "schemes wrapper" }, part("AuthorizeBtnContainer"))),
          part("FilterContainer"),
          React.createElement("div", { className: "wrapper" },
            React.createElement("h2", null, place.dataset.calls), part("operations"), part("Models")),
        );
      },
    },
  });

  window.SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#reference",
    plugins: [readableByAll],
    layout: "Reference",
    deepLinking: true,
    docExpansion: "list",
    filter: true,
    persistAuthorization: false,
    validatorUrl: null,
    onComplete: () => place.setAttribute("data-ready", "yes"),
  });
})();
