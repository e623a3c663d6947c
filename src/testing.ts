// The public surface of `ofsync/testing`: what users need to test their controllers.
export {};
