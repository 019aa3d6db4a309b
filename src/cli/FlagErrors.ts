import { type CliError, CliOutput } from "effect/cli"
import { inWords } from "../http/body/FieldErrors.ts"

/** What the parser of the command line says of a wrong value, and what a flag has to be then. All our numbers are whole. */
const wanted = (expected: string): string => {
  if (/^"[^"]+"( \| "[^"]+")*$/.test(expected)) {
    return inWords([...expected.matchAll(/"([^"]+)"/g)].map(([, choice = ""]) => choice))
  }
  if (/integer|number/.test(expected)) return "a whole number"
  return /true|false/i.test(expected) ? "true or false" : expected
}

const explain = (error: CliError.CliError): string => {
  if (error._tag === "MissingOption") return `--${error.option} is missing`
  if (error._tag === "MissingArgument") return `<${error.argument}> is missing`
  if (error._tag !== "InvalidValue") return error.message
  const { expected, kind, option, value } = error
  const name = kind === "flag" ? `--${option}` : `<${option}>`
  if (expected === "at most 1 value") return `${name} is there more than once`
  if (value === "") return `${name} needs a value`
  return `${name} must be ${wanted(expected)}, and is ${JSON.stringify(value)}`
}

/** Says what is wrong with the arguments as a person would. */
export const layerFlagErrors = CliOutput.layer({
  ...CliOutput.defaultFormatter(),
  formatCliError: explain,
  formatError: explain,
  formatErrors: (errors) => errors.map(explain).join("\n")
})
