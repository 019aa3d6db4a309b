import { readFileSync } from "node:fs"
import { isIP, type Socket } from "node:net"
import { checkServerIdentity, connect, type TLSSocket } from "node:tls"
import { until } from "./SocketEvents.ts"

export const sslModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full", "no-verify"] as const

export type SslMode = (typeof sslModes)[number]

/** How connections are encrypted. The files are read anew for each, since certificates are replaced. */
export interface DatabaseTls {
  readonly mode: SslMode
  /** The file with the authorities that may have signed the server's certificate; undefined for those that Node trusts. */
  readonly rootCert: string | undefined
  /** The files of our own certificate, for a server that asks for one. */
  readonly cert: string | undefined
  readonly key: string | undefined
}

/** PostgreSQL's SSLRequest, which the server answers with one letter. */
const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

/** What is looked at of the server's certificate: with an authority's file, anything but `no-verify` checks who signed it. */
const checksOf = ({ mode, rootCert }: DatabaseTls): "nothing" | "signer" | "signer and name" => {
  if (mode === "verify-full") return "signer and name"
  return mode === "verify-ca" || (rootCert !== undefined && mode !== "no-verify") ? "signer" : "nothing"
}

const read = (file: string | undefined): string | undefined =>
  file === undefined ? undefined : readFileSync(file, "utf8")

/** Encrypts a connection as its mode wants; returns the connection itself where the server has no TLS and need not. */
export const encrypted = async (socket: Socket, host: string, tls: DatabaseTls): Promise<Socket> => {
  if (tls.mode === "disable") return socket
  socket.write(sslRequest)
  const [answer] = await until(socket, "data")
  socket.pause()
  const letter = Buffer.isBuffer(answer) && answer.length === 1 ? String.fromCharCode(answer[0] ?? 0) : ""
  if (letter === "N") {
    if (tls.mode === "prefer" || tls.mode === "allow") return socket
    throw Object.assign(new Error(`The server has no TLS, which sslmode=${tls.mode} asks for`), { code: "NO_TLS" })
  }
  if (letter !== "S") throw new Error("The server did not answer the request for TLS with yes or no")
  const secure = handshake(socket, host, tls)
  await until(secure, "secureConnect")
  return secure
}

const handshake = (socket: Socket, host: string, tls: DatabaseTls): TLSSocket => {
  const checks = checksOf(tls)
  const [ca, cert, key] = [read(tls.rootCert), read(tls.cert), read(tls.key)]
  return connect({
    socket,
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    rejectUnauthorized: checks !== "nothing",
    checkServerIdentity: checks === "signer and name" ? checkServerIdentity : () => undefined
  })
}
