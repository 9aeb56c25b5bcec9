import dns2 from 'dns2'

const { Packet } = dns2

/** A real name server on a UDP port of 127.0.0.1. */
export interface NameServer {
  readonly port: number
  /** The IPv4 addresses of every name. Set it to change them. */
  addresses: readonly string[]
  close(): Promise<void>
}

export async function startNameServer(addresses: readonly string[]): Promise<NameServer> {
  const server = dns2.createServer({
    udp: true,
    handle(request, send) {
      const response = Packet.createResponseFromRequest(request)
      const [question] = request.questions
      if (question?.type === Packet.TYPE.A) {
        for (const address of nameServer.addresses) {
          response.answers.push(Packet.createResourceFromQuestion(question, { ttl: 0, address }))
        }
      }
      void send(response)
    },
  })
  const { udp } = await server.listen({ udp: { port: 0, address: '127.0.0.1' } })
  const nameServer: NameServer = {
    port: udp?.port as number,
    addresses,
    async close() {
      await server.close()
    },
  }
  return nameServer
}
