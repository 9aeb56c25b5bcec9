/** bunyan 1.8 under its npm alias. */
declare module 'bunyan1' {
  import bunyan from 'bunyan'
  export default bunyan
}
