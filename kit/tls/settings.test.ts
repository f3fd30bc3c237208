import { expect, test } from 'bun:test';
import { tlsFaults, tlsFilesOf } from './settings';

const set = (names: string) => ({
  TLS_CERT_FILE: names.includes('cert') ? '/cert' : null,
  TLS_KEY_FILE: names.includes('key') ? '/key' : null,
  TLS_CLIENT_CA_FILE: names.includes('ca') ? '/ca' : null,
});

test.each([
  ['cert', 'TLS_KEY_FILE is missing: TLS_CERT_FILE is set, set both or none'],
  ['key', 'TLS_CERT_FILE is missing: TLS_KEY_FILE is set, set both or none'],
  ['cert ca', 'TLS_KEY_FILE is missing: TLS_CERT_FILE is set, set both or none'],
  ['ca', 'TLS_CERT_FILE and TLS_KEY_FILE are missing: TLS_CLIENT_CA_FILE is set, and works with https alone'],
])('%s alone will not do', (names, fault) => {
  expect(tlsFaults(set(names))).toEqual([fault]);
});

test.each([
  ['none: plain http', '', null],
  ['certificate and key: https', 'cert key', { certFile: '/cert', keyFile: '/key', clientCaFile: null }],
  ['with authorities of callers', 'cert key ca', { certFile: '/cert', keyFile: '/key', clientCaFile: '/ca' }],
])('%s', (_name, names, files) => {
  expect(tlsFaults(set(names))).toEqual([]);
  expect(tlsFilesOf(set(names))).toEqual(files);
});
