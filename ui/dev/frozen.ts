// The app's window freezes the prototype before the page runs; so do the scenes.
Object.freeze(Object.prototype)
