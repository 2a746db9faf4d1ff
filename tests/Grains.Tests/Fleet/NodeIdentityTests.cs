using ControlPlane.Nodes;
using CsCheck;

namespace ControlPlane.Fleet.Tests;

/// <summary>Issue 12, item 24: identities are judged by one rule.</summary>
public sealed class NodeIdentityTests
{
    [Theory]
    [InlineData("web1.example.net")]
    [InlineData("WEB_1.Example.NET")]
    [InlineData("0")]
    [InlineData("a-.b_")]
    [InlineData("vm")]
    public void IsValid_Accepts_WhatChoriaTakes(string identity) => Assert.True(NodeIdentity.IsValid(identity));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(".")]
    [InlineData(".a")]
    [InlineData("a.")]
    [InlineData("a..b")]
    [InlineData("-a")]
    [InlineData("_a")]
    [InlineData("a b")]
    [InlineData("a\tb")]
    [InlineData("a\r\nPUB x 0")]
    [InlineData("a*")]
    [InlineData("a.>")]
    [InlineData("a/b")]
    [InlineData("a\0")]
    [InlineData("ä.example.net")]
    [InlineData("а.example.net")]
    [InlineData("a\ud800")]
    public void IsValid_Rejects_WhatIsUnsafeInASubjectOrNoName(string? identity) => Assert.False(NodeIdentity.IsValid(identity));

    [Fact]
    public void IsValid_EndsAt255Bytes()
    {
        Assert.True(NodeIdentity.IsValid(new string('a', NodeIdentity.BytesMax)));
        Assert.False(NodeIdentity.IsValid(new string('a', NodeIdentity.BytesMax + 1)));
    }

    [Fact]
    public void WhatIsValid_IsSafeInASubject() => Gen.Char[" -~"].Array[1, 12].Select(characters => new string(characters)).Sample(
        identity =>
        {
            if (NodeIdentity.IsValid(identity))
            {
                Assert.All(identity.Split('.'), Assert.NotEmpty);
                Assert.DoesNotContain(identity, character => character is ' ' or '*' or '>' or '$' || char.IsControl(character));
            }
        },
        iter: 20_000);
}
