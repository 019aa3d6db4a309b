import type { IncomingMessage } from "node:http"

/*
 * What two servers in a row could understand in two ways is no request: Node takes it, and we don't. The Host is checked once
 * for all requests that have the same.
 */

/** An authority without a user (RFC 9110, 4.2.4): a name or address, and perhaps a port. */
const authority = /^(?:[\w.~!$&'()*+,;=-]|%[\da-f]{2})+(?::\d*)?$|^\[[\da-f:.]+\](?::\d*)?$/i

let soundHost = ""

const isSoundHost = (host: string): boolean => {
  if (host === soundHost) return true
  if (!authority.test(host)) return false
  soundHost = host
  return true
}

/** Header lines stand as names and values in turn. */
const countHosts = (lines: ReadonlyArray<string>): number => {
  let hosts = 0
  for (let at = 0; at < lines.length; at += 2) {
    const name = lines[at]
    if (name?.length === 4 && name.toLowerCase() === "host") hosts++
  }
  return hosts
}

/**
 * Returns what is wrong with a request's head, undefined where nothing is. A whole URL as the target is replaced by its path, and
 * its authority by which the Host goes (RFC 9112, 3.2.2). That there is a Host, withHost checks.
 */
export const refuseHead = (request: IncomingMessage): string | undefined => {
  const { headers, httpVersion, rawHeaders } = request
  if (httpVersion !== "1.1" && httpVersion !== "1.0") return "The version is not one of HTTP/1"
  const { host } = headers
  const encoding = headers["transfer-encoding"]
  if (host !== undefined && (!isSoundHost(host) || countHosts(rawHeaders) > 1)) return "The Host header is not one host"
  if (encoding !== undefined && encoding.toLowerCase() !== "chunked") return "The Transfer-Encoding is not understood"
  return request.url?.startsWith("/") ? undefined : refuseTarget(request)
}

const refuseTarget = (request: IncomingMessage): string | undefined => {
  const { method, url = "" } = request
  if (url === "*" && method === "OPTIONS") return undefined
  const [, host = "", target = ""] = /^https?:\/\/([^/?#]*)([^#]*)$/i.exec(url) ?? []
  if (!isSoundHost(host)) return "The target is not a path"
  request.url = target.startsWith("/") ? target : `/${target}`
  request.headers.host = host
  return undefined
}
