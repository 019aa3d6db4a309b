/** The path of Helm, once it has been fetched. */
export declare const helm: string
