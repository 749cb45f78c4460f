/* The errors' page: of a line as a command printed it, the lines of the program that it may be. */
{
  const asked = document.getElementById("error-line")
  const hits = document.getElementById("error-hits")
  const plain = (text) => text.toLowerCase().replace(/\s+/g, " ")
  const letters = (text) => text.replace(/[^\p{L}\p{N}]/gu, "").length

  // each is [its parts that are always the same, its text, its place]
  const lines = errorLines.map(([parts, text, place]) => {
    const own = parts.map(plain)
    return { own, text, place, all: own.reduce((sum, part) => sum + letters(part), 0) }
  })

  const find = (typed) => {
    const line = plain(typed)
    const worth = (each) => each.found * each.share
    return lines
      .map((each) => {
        const there = each.own.filter((part) => letters(part) > 2 && line.includes(part))
        const found = there.reduce((sum, part) => sum + letters(part), 0)
        return { ...each, found, share: found / each.all }
      })
      .filter((each) => each.found >= 8 && each.share >= 0.5)
      .sort((a, b) => worth(b) - worth(a))
      .filter((each, _, all) => worth(each) > worth(all[0]) / 3)
      .filter((each, place, all) => all.findIndex((other) => other.place === each.place) === place)
      .slice(0, 5)
  }

  const show = () => {
    hits.replaceChildren(
      ...find(asked.value).map((each) => {
        const link = document.createElement("a")
        link.href = each.place
        link.textContent = each.text
        const item = document.createElement("li")
        item.append(link)
        return item
      }),
    )
    const none = asked.value.trim() && !hits.children.length
    document.getElementById("error-none").hidden = !none
  }
  asked.addEventListener("input", show)
}
