/** Form of a proxy, for messages. */
export const PROXY_ACCEPTS = 'a URL that begins with http:// or https://'

export function isProxyUrl(text: string): boolean {
  return /^https?:\/\//i.test(text) && URL.canParse(text)
}
