// Registers the service worker once the page is there, so that it never waits for it.

const register = () => navigator.serviceWorker.register("/service-worker.js", { scope: "/" }).catch(() => {});

if ("serviceWorker" in navigator) {
  if (document.readyState === "complete") register();
  else window.addEventListener("load", register);
}
