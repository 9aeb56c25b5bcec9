/** Scrolls a list as little as needed to show a row below the head. */
export function revealRow(element: HTMLElement, index: number, rowHeight: number): void {
  const head = element.querySelector<HTMLElement>('.list-head')?.offsetHeight ?? 0
  const top = index * rowHeight
  const space = element.clientHeight - head - rowHeight
  if (top >= element.scrollTop && top <= element.scrollTop + space) return
  const isNear = top > element.scrollTop - 2 * rowHeight && top < element.scrollTop + space + 2 * rowHeight
  if (isNear) element.scrollTop = top < element.scrollTop ? top : top - space
  else element.scrollTop = top - space / 3
}
