// Write the decoded body of a URL as it comes, by Node's fetch.
const response = await fetch(process.argv[2], { headers: { 'Datastar-Request': 'true' } })
if (!response.ok) throw new Error(response.statusText)
console.error(response.headers.get('content-encoding'))
for await (const part of response.body) process.stdout.write(part)
