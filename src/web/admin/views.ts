/** What the desk shows beside the list; the page's address names it, so that it can be gone back to, reloaded and linked to. */
export type View =
  | { readonly kind: "none" }
  | { readonly kind: "new" }
  | { readonly kind: "poll" | "edit"; readonly slug: string }

export const newLink = "#/new"
export const listLink = "#/"
export const pollLink = (slug: string): string => `#/polls/${slug}`
export const editLink = (slug: string): string => `#/polls/${slug}/edit`

/** Returns the view that the page's address names. */
export const viewIn = (hash: string): View => {
  if (hash === newLink) return { kind: "new" }
  const [, slug, edit] = /^#\/polls\/([a-z0-9-]{1,64})(\/edit)?$/.exec(hash) ?? []
  return slug === undefined ? { kind: "none" } : { kind: edit === undefined ? "poll" : "edit", slug }
}
