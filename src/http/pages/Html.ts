import { attributesOf, type Tree } from "../../web/drawn/tree.ts"

/** Text that is markup already. */
export interface Html {
  readonly html: string
}

type Part = Html | string | number | undefined | ReadonlyArray<Html>

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;"
}

const render = (part: Part): string => {
  if (part === undefined) return ""
  if (typeof part === "object") return "html" in part ? part.html : part.map(({ html }) => html).join("")
  return String(part).replace(/[&<>"']/g, (char) => entities[char] ?? "")
}

/** Returns markup from a template; what is put into it is text, and is escaped for elements and quoted attributes. */
export const html = (template: TemplateStringsArray, ...parts: ReadonlyArray<Part>): Html => ({
  html: template.reduce((text, piece, index) => text + render(parts[index - 1]) + piece)
})

/** Returns what is drawn as markup. */
export const treeHtml = (tree: Tree): Html => {
  if (typeof tree === "string") return html`${tree}`
  const attributes = attributesOf(tree).map(([name, value]) => html` ${{ html: name }}="${value}"`)
  return html`<${{ html: tree.tag }}${attributes}>${tree.children.map(treeHtml)}</${{ html: tree.tag }}>`
}
