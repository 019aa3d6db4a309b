/** How a body may be compressed. */
export type Encoding = "br" | "gzip" | "identity"

/** Returns the encodings that a client takes by its `Accept-Encoding`, the smallest first; `q=0` is a no. */
export const acceptedEncodings = (header: string | undefined): ReadonlyArray<Encoding> => {
  const taken = (header ?? "")
    .toLowerCase()
    .split(",")
    .filter((part) => !/;\s*q=0(\.0*)?\s*$/.test(part))
  const names = new Set(taken.map((part) => part.split(";")[0]?.trim()))
  return [...(["br", "gzip"] as const).filter((name) => names.has(name)), "identity"]
}
