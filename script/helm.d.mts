/** Where Helm is, once it was fetched. */
export declare const helm: string
