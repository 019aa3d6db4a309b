import { X509Certificate } from "node:crypto"
import { readFileSync } from "node:fs"
import { makeLatestOf, unreadable } from "./SecretFile.ts"
import type { Kind } from "./SettingKinds.ts"

const certificate = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

/** Returns a text of certificates in PEM; undefined where there is none in it, or a broken one. */
const parseBundle = (text: string): string | undefined => {
  try {
    const certificates = (text.match(certificate) ?? []).map((each) => new X509Certificate(each))
    return certificates.length === 0 ? undefined : text
  } catch {
    return undefined
  }
}

/** Returns what is wrong with a file, to go on after the setting's name. */
const wrongWith = (path: string): string | undefined => {
  try {
    return parseBundle(readFileSync(path, "utf8")) === undefined
      ? "names a file without certificates in PEM"
      : undefined
  } catch (error) {
    return `names a file that ${unreadable(error)}`
  }
}

/** The path of a file with the certificates of authorities. */
export const caBundle: Kind<string> = {
  allowed: "the path of a file with certificates in PEM",
  parse: (path) => (wrongWith(path) === undefined ? path : undefined),
  wrong: wrongWith
}

/** Makes a function that returns the authorities of a file as it is now, since they are replaced; undefined for no file. */
export const makeCaBundle = (path: string | undefined): (() => string | undefined) =>
  path === undefined ? () => undefined : makeLatestOf(path, readFileSync(path, "utf8"), parseBundle)
