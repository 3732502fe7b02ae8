/* The part of the DLPack C exchange interface (dlpack 1.2) that tells where a tensor lies. */
#ifndef FASTLR_DLPACK_H
#define FASTLR_DLPACK_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    char *data;
    int32_t device_type, device_id; /* type 1 is the CPU */
    int32_t ndim;
    uint8_t code, bits; /* code 2 is a floating point number */
    uint16_t lanes;
    int64_t *shape, *strides;
    uint64_t byte_offset;
} fastlr_tensor;

typedef struct {
    uint32_t major, minor;
    void *previous;
    void *allocate, *export_managed, *import_managed;
    int (*describe)(void *object, fastlr_tensor *out); /* may be missing */
    void *stream;
} fastlr_exchange;

#endif
