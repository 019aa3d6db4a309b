const laterVersion = /^(?!00|ff)[0-9a-f]{2}(-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})(?:-[^,]*)?$/

/**
 * Returns a client's `traceparent` as of version 00, the one that is read here. A later version has the same parts first, and
 * perhaps others (W3C Trace Context, 3.2.4); what is of no version stays as it is, and is not understood.
 */
export const toKnownTraceparent = (traceparent: string): string => traceparent.replace(laterVersion, "00$1")
