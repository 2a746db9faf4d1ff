using CsCheck;
using NATS.NKeys;
using NSec.Cryptography;

namespace ControlPlane.Adapters.Tests.NKeys;

public sealed class KeyPairTests
{
    // The example pair of the NATS documentation.
    private const string KnownSeed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
    private const string KnownPublicKey = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";

    [Fact]
    public void GetPublicKey_IsTheDocumentedOne_ForTheDocumentedSeed()
    {
        using var pair = KeyPair.FromSeed(KnownSeed);

        Assert.Equal(KnownPublicKey, pair.GetPublicKey());
    }

    [Theory]
    [InlineData(PrefixByte.Account, "SA", 'A')]
    [InlineData(PrefixByte.Cluster, "SC", 'C')]
    [InlineData(PrefixByte.Operator, "SO", 'O')]
    [InlineData(PrefixByte.Server, "SN", 'N')]
    [InlineData(PrefixByte.User, "SU", 'U')]
    public void CreatePair_ShowsItsPurpose_InTheFirstLetters(PrefixByte purpose, string seedStart, char publicStart)
    {
        using var pair = KeyPair.CreatePair(purpose);

        Assert.StartsWith(seedStart, pair.GetSeed(), StringComparison.Ordinal);
        Assert.Equal(publicStart, pair.GetPublicKey()[0]);
    }

    [Fact]
    public void FromSeed_GivesTheSamePairBack_ForAnySeed() =>
        Gen.Const(0).Select(_ => KeyPair.CreatePair(PrefixByte.User)).Sample(
            pair =>
            {
                using var again = KeyPair.FromSeed(pair.GetSeed());
                return again.GetPublicKey() == pair.GetPublicKey() && again.GetSeed() == pair.GetSeed();
            },
            iter: 100);

    [Fact]
    public void Sign_IsWhatThePublicKeyVerifies()
    {
        using var pair = KeyPair.FromSeed(KnownSeed);
        var signature = new byte[64];

        pair.Sign("nonce"u8.ToArray(), signature);

        var raw = Decoded(pair.GetPublicKey()).AsSpan(1, 32);
        var key = PublicKey.Import(SignatureAlgorithm.Ed25519, raw, KeyBlobFormat.RawPublicKey);
        Assert.True(SignatureAlgorithm.Ed25519.Verify(key, "nonce"u8, signature));
    }

    [Fact]
    public void Sign_Throws_WhenTheSignatureDoesNotFit()
    {
        using var pair = KeyPair.FromSeed(KnownSeed);

        Assert.Throws<ArgumentException>(() => pair.Sign("nonce"u8.ToArray(), new byte[63]));
    }

    [Theory]
    [InlineData("")]
    [InlineData("SU")]
    [InlineData(KnownPublicKey)]
    [InlineData("SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY\n")]
    [InlineData("suacssl3uahudxkfsnvuzrf5uhpmwz6bfdtj7m6usdxiednppqyyycu3vy")]
    [InlineData("SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3V1")]
    public void FromSeed_Refuses_WhatIsNoSeed(string text) => Assert.Throws<NKeysException>(() => KeyPair.FromSeed(text));

    [Fact]
    public void FromSeed_RefusesEveryChangedCharacter_AndNeverShowsTheSeed()
    {
        for (var index = 0; index < KnownSeed.Length; index++)
        {
            var changed = KnownSeed.ToCharArray();
            changed[index] = changed[index] == 'A' ? 'B' : 'A';

            var fault = Assert.Throws<NKeysException>(() => KeyPair.FromSeed(changed));
            Assert.DoesNotContain(new string(changed)[..8], fault.Message, StringComparison.Ordinal);
        }
    }

    // An independent reading of base32: as one big number.
    private static byte[] Decoded(string text)
    {
        var number = text.Aggregate(
            System.Numerics.BigInteger.Zero,
            (sum, character) => (sum * 32) + "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".IndexOf(character, StringComparison.Ordinal));
        return number.ToByteArray(isUnsigned: true, isBigEndian: true);
    }
}
