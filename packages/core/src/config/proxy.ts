/** Form of a proxy, for messages. */
export const PROXY_ACCEPTS = 'a URL that begins with http:// or https://'
/** Form of a proxy for gRPC: grpc-js would send an https:// proxy the password in plain text. */
export const GRPC_PROXY_ACCEPTS = 'a URL that begins with http://'

export function isProxyUrl(text: string): boolean {
  return /^https?:\/\//i.test(text) && URL.canParse(text)
}

/** Tests if grpc-js can use a proxy. */
export function isGrpcProxyUrl(text: string): boolean {
  return isProxyUrl(text) && /^http:/i.test(text)
}
