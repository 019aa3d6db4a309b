import { readFileSync } from "node:fs"

/** The flags that Node is started with to run the program, as script/server and the image do. */
export const nodeFlags: ReadonlyArray<string> = readFileSync(
  new URL("../../script/node-flags", import.meta.url),
  "utf8"
)
  .trim()
  .split(" ")
