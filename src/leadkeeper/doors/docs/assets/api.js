// The reference of the API, read from this installation's own description. Keys stay in this page's memory alone.
(() => {
  "use strict";
  window.SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#reference",
    deepLinking: true,
    docExpansion: "list",
    filter: true,
    persistAuthorization: false,
    validatorUrl: null,
    onComplete: () => document.getElementById("reference").setAttribute("data-ready", "yes"),
  });
})();
