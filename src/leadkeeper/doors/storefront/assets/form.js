// Shows an offer's form in another site: <script src=".../store/form.js" data-offer="publisher.offer" async></script>
// The form and every answer come from the storefront; this only puts them into the page. Its site must be one of
// LEADKEEPER_FORM_ORIGINS.
(() => {
  const script = document.currentScript;
  const [publisher, ...rest] = (script.dataset.offer || "").split(".");
  const call = script.dataset.call || "contact-me";
  const place = `offers/${encodeURIComponent(publisher)}/${encodeURIComponent(rest.join("."))}/${encodeURIComponent(call)}`;
  const page = new URL(place, script.src);
  const address = new URL(page);
  address.searchParams.set("fragment", "1");
  address.searchParams.set("lang", script.dataset.lang || document.documentElement.lang.slice(0, 2) || "en");
  if (script.dataset.campaign) address.searchParams.set("mktcmpid", script.dataset.campaign);

  const box = document.createElement("div");
  script.after(box);

  const instead = () => {
    const link = document.createElement("a");
    link.href = page;
    link.textContent = page.href;
    box.replaceChildren(link);
  };

  const show = (html) => {
    const parsed = new DOMParser().parseFromString(html, "text/html");
    box.replaceChildren(...parsed.body.childNodes);
    const form = box.querySelector("form");
    if (form) form.addEventListener("submit", send);
    const told = box.querySelector("[role=alert], [role=status]");
    if (told) told.focus();
  };

  const ask = async (options) => {
    const answer = await fetch(address, { credentials: "omit", referrerPolicy: "no-referrer", ...options });
    if (![200, 422].includes(answer.status)) throw new Error(`status ${answer.status}`);
    show(await answer.text());
  };

  const send = (event) => {
    event.preventDefault();
    const button = event.target.querySelector("button");
    button.setAttribute("aria-busy", "true");
    ask({ method: "POST", body: new URLSearchParams(new FormData(event.target)) }).catch(() => {
      // Nothing was kept: the form stays as it is, and can be sent again.
      button.removeAttribute("aria-busy");
      event.target.submit();
    });
  };

  ask({}).catch(instead);
})();
