import { IncomingMessage, ServerResponse, validateHeaderName, validateHeaderValue } from "node:http"
import { Socket } from "node:net"

declare module "node:http" {
  interface OutgoingMessage {
    /** Puts a head together: the first line as it is given, then the headers, each of which is checked. */
    _storeHeader(firstLine: string, headers: unknown): void
  }
}

/**
 * An answer with lines in its head that were put together before. Node checks each header of each answer, and appends it piece by
 * piece: of the headers that all answers have, that took longer than all else about a head.
 */
export class PreparedResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  /** The lines that stand before the headers which `writeHead` is given, as `headLines` makes them. */
  lines = ""

  override _storeHeader(firstLine: string, headers: unknown): void {
    super._storeHeader(firstLine + this.lines, headers)
  }
}

/** Returns whether this Node puts heads together by the function that is overridden here, which its documentation does not promise. */
export const keepsLines = (): boolean => {
  const response = new PreparedResponse(new IncomingMessage(new Socket()))
  response.lines = headLines(["x-kept", "yes"])
  response.writeHead(200, [])
  return String(Reflect.get(response, "_header")).includes(response.lines)
}

/** Returns headers, names and values in turn, as the lines of a head. Throws where Node would refuse one. */
export const headLines = (headers: ReadonlyArray<string>): string => {
  const parts: Array<string> = []
  for (let at = 0; at < headers.length; at += 2) {
    const [name = "", value = ""] = headers.slice(at, at + 2)
    validateHeaderName(name)
    validateHeaderValue(name, value)
    parts.push(name, ": ", value, "\r\n")
  }
  return parts.join("")
}
