/** A poll for anyone, as often as they like, but for its slug; as a definition and as a poll. */
export const teaOrCoffee = {
  title: "Tea or coffee?",
  options: [
    { id: "tea", label: "Tea" },
    { id: "coffee", label: "Coffee" }
  ],
  ballot: "open",
  identity: "anyone",
  results: "live"
} as const
