/** The rules of polls of each kind for tea or coffee, each with two bodies of votes there. */
export const kinds = [
  { rules: { kind: "single" }, says: [{ option: "tea" }, { option: "coffee" }] },
  { rules: { kind: "multiple", max: 2 }, says: [{ options: ["tea", "coffee"] }, { options: ["coffee"] }] },
  { rules: { kind: "score", min: -5 }, says: [{ scores: { tea: 5, coffee: -5 } }, { scores: { coffee: 0 } }] },
  { rules: { kind: "points", budget: 9 }, says: [{ points: { tea: 3, coffee: 6 } }, { points: { tea: 9 } }] },
  { rules: { kind: "ranked", abstain: true }, says: [{ ranking: ["coffee", "tea"] }, { abstain: true }] }
] as const
