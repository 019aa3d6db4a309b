/** Makes all the files that `folder` has to hold for the pages to be served. */
export declare const buildPublic: (folder: string) => Promise<void>
