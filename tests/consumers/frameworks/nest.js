// nest-winston logs for NestJS: its start, texts and objects with a context, and errors with their stack in an array.
import 'reflect-metadata'
import { startTelemetry } from '@logbridge/core'
import { Logger, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { WinstonModule } from 'nest-winston'
import winston from 'winston'
import { createTransports } from './destinations.js'

const telemetry = startTelemetry()
const logger = WinstonModule.createLogger({
  format: winston.format.json(),
  transports: createTransports(),
})
// oxlint-disable-next-line no-extraneous-class -- a module of NestJS is a class
class AppModule {}
Module({})(AppModule)
const app = await NestFactory.create(AppModule, { logger })
await app.init()

const orders = new Logger('Orders')
orders.log('order found')
orders.warn({ message: 'order is late', order: 7 })
orders.error(new RangeError('no stock'))
const { stack } = new TypeError('no price')
orders.error('payment failed', stack)
await app.close()
await telemetry.shutdown()
