import { app } from './backend.ts'
import { mount } from './mount.ts'

void mount(app, '#app')
