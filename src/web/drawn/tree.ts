/*
 * Markup as data: what is drawn from results is written once, and made by the server into text and by the script into elements.
 */

/** An element that is to be there, or text. */
export type Tree = Branch | string

export interface Branch {
  readonly tag: string
  /** `undefined` and `false` are left out, `true` has no value. */
  readonly attributes: Readonly<Record<string, string | number | boolean | undefined>>
  readonly children: ReadonlyArray<Tree>
}

type Child = Tree | undefined | ReadonlyArray<Tree>

/** Returns an element that is to be there. Text beside text becomes one, as it does on a page. */
export const branch = (
  tag: string,
  attributes: Branch["attributes"] = {},
  ...children: ReadonlyArray<Child>
): Branch => {
  const joined: Array<Tree> = []
  for (const child of children.flat()) {
    const last = joined[joined.length - 1]
    if (child === undefined || child === "") continue
    if (typeof child === "string" && typeof last === "string") joined[joined.length - 1] = last + child
    else joined.push(child)
  }
  return { tag, attributes, children: joined }
}

/** Returns the attributes that are there, as text. */
export const attributesOf = ({ attributes }: Branch): ReadonlyArray<readonly [name: string, value: string]> =>
  Object.entries(attributes).flatMap(([name, value]) =>
    value === undefined || value === false ? [] : [[name, value === true ? "" : String(value)] as const]
  )
