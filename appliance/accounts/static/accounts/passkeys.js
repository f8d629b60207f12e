// Shows what needs passkeys where the browser has them, and says so when it gave none.
'use strict'

document.addEventListener('DOMContentLoaded', () => {
  if (!window.PublicKeyCredential) return
  document.querySelectorAll('[data-passkeys]').forEach(part => { part.hidden = false })
})

document.addEventListener('allauth.error', event => {
  event.preventDefault()
  document.getElementById('passkey-trouble').hidden = false
})
