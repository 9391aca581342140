// The part of the service worker that is about notices: shows what the server pushes, and opens the page it is about.
// What is pushed is JSON: { title, body, address, tag }; a notice with the tag of an earlier one takes its place.

self.addEventListener("push", (event) => {
  const { title, body, address = "/", tag } = event.data.json();
  event.waitUntil(
    Promise.all([self.registration.showNotification(title, { body, tag, data: { address } }), tellPages()]),
  );
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(new URL(event.notification.data.address, location.origin).href));
});

/** Open pages ask how many notices are unread. */
async function tellPages() {
  for (const page of await self.clients.matchAll({ type: "window" })) page.postMessage({ type: "notice" });
}

async function open(address) {
  const windows = await self.clients.matchAll({ type: "window" });
  const there = windows.find((each) => each.url === address);
  return there ? there.focus() : self.clients.openWindow(address);
}
