import type { Part } from "../../domain/ChoiceParts.ts"
import type { PollView } from "../../domain/PollView.ts"
import type { Rules } from "../../domain/Rules.ts"
import type { Labels } from "./labels.ts"

/** What one kind's ballot is filled in with. */
export interface Control {
  /** Returns what is filled in, bounds aside: in the poll's order, or in that of the ranks. */
  read(): ReadonlyArray<Part>
  show(parts: ReadonlyArray<Part>): void
}

export interface ControlOptions<Kind extends Rules["kind"]> {
  readonly options: PollView["options"]
  readonly labels: Labels
  readonly rules: Extract<Rules, { readonly kind: Kind }>
  /** Is called when something was filled in by other means than a field of the form; `said` tells of it. */
  readonly changed: (said?: string) => void
}
