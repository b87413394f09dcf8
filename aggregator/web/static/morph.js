// Turns server-made HTML into elements, and existing elements into new ones without losing focus or motion.
export function element(html) {
  const template = document.createElement("template");
  template.innerHTML = html.trim();
  return template.content.firstElementChild;
}

export function morph(old, fresh) {
  if (old.nodeName !== fresh.nodeName) return old.replaceWith(fresh);
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return undefined;
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  const theirs = [...fresh.childNodes];
  const ours = [...old.childNodes];
  theirs.forEach((child, index) => (ours[index] ? morph(ours[index], child) : old.append(child)));
  ours.slice(theirs.length).forEach((child) => child.remove());
  return undefined;
}

export function showWindow(root, { detection, window }) {
  for (const waiting of root.querySelectorAll(`.thumb-waits[data-waits="${Number(detection)}"]`)) {
    const picture = new Image(120, 40);
    picture.className = "thumb";
    picture.alt = "";
    picture.src = `/windows/${Number(window)}.png?size=thumb`;
    waiting.replaceWith(picture);
  }
}
