/* A page that is opened as a file may start no worker, and the search is one: there it runs in a hidden frame. */
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      this.frame = document.createElement("iframe")
      this.frame.hidden = true
      document.body.append(this.frame)
      const inside = this.frame.contentWindow
      const later = []
      const run = (source) =>
        new Promise((resolve, reject) => {
          const script = inside.document.createElement("script")
          script.src = source
          script.onload = resolve
          script.onerror = () => reject(new Error(source))
          inside.document.head.append(script)
        })
      inside.importScripts = (...sources) =>
        sources.reduce((before, source) => before.then(() => run(source)), Promise.resolve())
      // as between threads: what is sent is a copy, and comes later
      const send = (data, deliver) => setTimeout(deliver, 0, structuredClone(data))
      inside.postMessage = (data) => send(data, (copy) => this.tell(new MessageEvent("message", { data: copy })))
      this.send = (data) => later.push(data)
      run(new URL(url, location.href)).then(
        () => {
          this.send = (data) =>
            send(data, (copy) => inside.dispatchEvent(new inside.MessageEvent("message", { data: copy })))
          later.forEach((data) => this.send(data))
        },
        (error) => this.tell(new ErrorEvent("error", { error, message: error.message })),
      )
    }
    postMessage(data) {
      this.send(data)
    }
    tell(event) {
      this.dispatchEvent(event)
      this[`on${event.type}`]?.(event)
    }
    terminate() {
      this.frame.remove()
    }
  }
}
