using ControlPlane.Adapters.LocalCa;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.Tests.LocalCa;

public sealed class RevokedCertificateTests
{
    [Fact]
    public void ParseOrNull_ReadsWhatToLineWrites()
    {
        var revoked = new RevokedCertificate(
            "0AFF", "BEEF", DateTimeOffset.UnixEpoch.AddDays(1), RevocationReason.Superseded, DateTimeOffset.UnixEpoch.AddDays(30));

        Assert.Equal(revoked, RevokedCertificate.ParseOrNull(revoked.ToLine()));
    }

    [Theory]
    [InlineData("0AFF BEEF 86400 4")]
    [InlineData("0AFF BEEF 86400 4 259")]
    [InlineData("0AFF BEEF 9223372036854775807 4 2592000")]
    [InlineData("0AFF BEEF 86400 4 253402300800")]
    [InlineData("0AFF BEEF -1 4 2592000")]
    [InlineData("no serial 86400 4 2592000")]
    public void ParseOrNull_IsNull_OrReadsATime_WhateverStandsThere(string line) =>
        Assert.Equal(line == "0AFF BEEF 86400 4 259", RevokedCertificate.ParseOrNull(line) is not null);
}
