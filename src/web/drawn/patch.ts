import { attributesOf, type Branch, type Tree } from "./tree.ts"

const svg = "http://www.w3.org/2000/svg"
const drawings: ReadonlySet<string> = new Set(["svg", "rect"])

/** What the reader has done to an element: it stays. */
const readers: ReadonlySet<string> = new Set(["open"])

const grow = (tree: Tree): Node => {
  if (typeof tree === "string") return document.createTextNode(tree)
  const element = drawings.has(tree.tag) ? document.createElementNS(svg, tree.tag) : document.createElement(tree.tag)
  for (const [name, value] of attributesOf(tree)) element.setAttribute(name, value)
  element.append(...tree.children.map(grow))
  return element
}

const setAttributes = (element: Element, tree: Branch): void => {
  const wanted = new Map(attributesOf(tree))
  for (const { name } of [...element.attributes]) {
    if (!wanted.has(name) && !readers.has(name)) element.removeAttribute(name)
  }
  for (const [name, value] of wanted) if (element.getAttribute(name) !== value) element.setAttribute(name, value)
}

/**
 * Makes an element's children what they are to be, and leaves alone what is so already: a bar moves on from where it was, and
 * a part that the reader has opened, scrolled or focused stays as it is.
 */
export const patch = (parent: Element, trees: ReadonlyArray<Tree>): void => {
  for (const [index, tree] of trees.entries()) {
    const node = parent.childNodes[index]
    if (node instanceof Text && typeof tree === "string") {
      if (node.data !== tree) node.data = tree
    } else if (node instanceof Element && typeof tree !== "string" && node.localName === tree.tag) {
      setAttributes(node, tree)
      patch(node, tree.children)
    } else if (node === undefined) parent.append(grow(tree))
    else parent.replaceChild(grow(tree), node)
  }
  while (parent.childNodes.length > trees.length) parent.lastChild?.remove()
}
