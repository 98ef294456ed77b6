/*
 * builtin-roots - the vendors' root keys, pinned by key: certificates over them get reissued
 * (Intel's has two), names can be forged.  Sources: the root certificates that the vendors publish
 * (certificates.trustedservices.intel.com, kdsintf.amd.com, aws-nitro-enclaves.amazonaws.com).
 */
#include <sealgrid/base/encode.h>

#include "store-int.h"

static const struct {
    unsigned vendor;
    const char *common_name, *key; /* x || y, or an RSA modulus with exponent 65537 */
} roots[] = {
    {SG_TEE_VENDOR_INTEL, "Intel SGX Root CA",
     "0ba9c4c0c0c86193a3fe23d6b02cda10a8bbd4e88e48b4458561a36e705525f567918e2edc88e40d860bd0cc"
     "4ee26aacc988e505a953558c453f6b0904ae7394"},
    {SG_TEE_VENDOR_AWS, "aws.nitro-enclaves",
     "fc0254eba608c1f36870e29ada90be46383292736e894bfff672d989444b5051e534a4b1f6dbe3c0bc581a32"
     "b7b176070ede12d69a3fea211b66e752cf7dd1dd095f6f1370f4170843d9dc100121e4cf63012809664487c9"
     "796284304dc53ff4"},
    {SG_TEE_VENDOR_AMD, "ARK-Milan",
     "d0b779d9124e75e88996a2b625db15983ec592dba8b56c17d5f3605b8d5763d5f3d471214949a12f3f42bbd0"
     "c7465be02523716de618b2725fbf28f1d4c7d4d15e6d90a894d447ac345b5ad644c0d2cccd8ac75873d8acaa"
     "4ee65d3e7e29f1916df73857ff73448704f2394737ad52d63bbc5fddfee9dc4352b1b64b3c6a278061ab2626"
     "503aee3d72525f8bd4734d4fee3f7c329a8e4bde6b3917461de239d8d6b3e66d81f8efaf8ec0b4eb4777ee36"
     "3d2c57ae38fe0c7ab8bcaa07e2d92e642aa83f685e9a3edb80650551eeedca1585cfe7d5e6260b5ca20d3982"
     "62344ff3a2b4b86ecd5be965c2e9874a1d87fd483d7ab1dfe3278c3f7b03b7d7a6a19dff2f0ac57ee392c4c4"
     "cc03a06ca01e6a6de59bedf228871360c96c44c5cf72335b22f9ac072903fffc529e2bacb870648279443445"
     "b1d5471b410aecfa054392e54f86c9f321136062f338f18fbb2c6889627ae613cc5cadec5e901c6bbdad95f5"
     "3250aa7377439de4b79be2422dfe8027e69300b4174b62ac865b2e45cfacfc3367433d78dc6123249bda7a49"
     "7e09eacf9e48d2edf7c21e2bd1935079319fc34dcc054b72bb319eb0691cc3e968a8c6aad6a478b6319b3d8c"
     "42be90aaefe3a0a420a830d8addae2e8f4cd7c7c7cf5d2538c4fc9d6014bd1645ced7970a6fbb3c77583e599"
     "0c14c372ef7a727f20b5e840f1df6e41f40b23df865d635a124565ab"},
    {SG_TEE_VENDOR_AMD, "ARK-Genoa",
     "dc277de52fee14eb9122c916f6fcfd543045ebd343405efda1184bfcbd8f5501a12b761d7c4060a45fc98b05"
     "8506c4ff7d70e1cc0d35a772e4713ffb2dd8dc45f2978c797ed10abf338759921e900e851e2b33412c370128"
     "30c65a8defdf9372af16c0d439e463050a5390009383fde2d2972e9f34a31b7ce1a8721e82e673f2eab06b29"
     "fa8ab5073e0f3ec60bc131b888c29569a4fdd3fa19e08f2889b4abbbddaf26196a58edbb77f4717378943328"
     "4d7864e83af831fe2528e201a91bad4d0e990452f233b8a71a331f08753a568360c5e92c05d0881531f7e7be"
     "d26603af01c09356a351383cb25d68f7c189f709a6e045c0d55020f404557dda3fcf47252a7c61b63d972492"
     "e8f95512a4c106d6909a2e004c698c47e9f62bf7be240854d868fb8c8a4984e91d1fd7e2ad00e79a50364857"
     "c9fc27349863735bd466221c8e527345a1c966911865dff01053962cf50b1a9f58d3fc48b24fea42a669c0fb"
     "2f5e76f84309b386f05da8c47191753064ca5ba782b917246622c06ad1f246a2aafecd37c42138132a62371b"
     "ae412bd1ff1030a925212e6bb8e7ea94b302070f092c1dcb923a5682d0fb3a9c64cd2b2884de3b5289bce916"
     "3a969ef683c7971cfd6a62b9ef873686d52ef4bf0e8e91b69a0bd123887fee1e0009406c689fbbb443bc60a1"
     "111603f7bb25c050c0b83cd07abfb1b46ea9eb31cfbc01592636e787"},
    {SG_TEE_VENDOR_AMD, "ARK-Turin",
     "c1a02b881ec422e55ce19075c03dd87c3c4bfbd7b24bbfa2ce6d098f75bbef63483425a5f018f7c3f243d998"
     "e66d1c56748abfe1df626ab08aa2b5e5a09501d6345d831a9c713c7568ea22838fb6c355e1555253ecae39ef"
     "04f964b3498106b1a9af44b64c2377afbdb0e86508313d978de443447606291525afeecb254e4b0124e70e6d"
     "5ca3ae1bd8efaba42d00c25ab16dfcc25a910da2841ad67d554806a27dbb66e2f8b1326e0bf6b3cfdfe2401c"
     "3c9048a5cce97de4089391e6398d21010d66c0aa7664e6a94cee4212286db4920426d789a134a0c8da9da8b9"
     "afb3b801bb8b9d9ea68445d867d4d13624ff27febc2341dad9de721150b8fd9ef1b2e4f7965da8f8bdfd45b0"
     "e095e3b5d100e2ed896299524943d05405cab7a2d5aae8ed25c339f492abdaed1743be4ac3170ca75e604978"
     "417c89ef3c0c2e018e1d130c06a93f28220e1eb0f1f012c98286161e0c8c4f1bd4787f1f4ed2aea9f066fe1d"
     "7953892e3b3fd60d78ea6274e50acc397f4b53afca10ed48bf0b25cdb84004c5c9da3f883fca51dbc54d1943"
     "d1cae400c9192e8590f212c319ce816495ec75ded97f67b8516ded23fd6887fdaddb73addf3ca14dcbf98036"
     "c006ed0b8d57bdf2e4674b5e523302bffe526df5ee41a8abe0001912a0005ff81e1516d3d5117d3282b61a15"
     "a23d8b9001af19d5066cd7a516f6d622353653427ce1943c8855a561"},
};

static int load(const char *hex, struct sg_tee_key **ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf raw = SG_BUF_INIT(512);
    int r = sg_hex_decode(&raw, sg_bytes_str(hex));
    if (r == 0 && raw.len <= 96)
        r = sg_tee_key_point(ret, sg_buf_bytes(&raw));
    else if (r == 0)
        r = sg_tee_key_rsa(ret, sg_buf_bytes(&raw), SG_BYTES_LIT("\x01\x00\x01"));
    return r <= 0 ? r : sg_fold(r);
}

int sg_tee_store_pin_builtin(struct sg_tee_store *s)
{
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
        struct sg_tee_anchor a = {.vendors = roots[i].vendor, .path_length = -1};
        int r = load(roots[i].key, &a.key);
        if (r < 0)
            return r;
        memcpy(a.common_name, roots[i].common_name, strlen(roots[i].common_name) + 1);
        s->anchor[s->n_anchors++] = a;
    }
    return 0;
}
