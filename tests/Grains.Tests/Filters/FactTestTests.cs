using System.Text.Json;
using ControlPlane.Filters;

namespace ControlPlane.Grains.Tests.Filters;

/// <summary>The operators of Choria's nodes, with their peculiarities.</summary>
public sealed class FactTestTests
{
    [Theory]
    [InlineData("\"Debian\"", "==", "debian", true)]
    [InlineData("\"Debian\"", "!=", "debian", false)]
    [InlineData("\"b\"", ">", "A", true)]
    [InlineData("\"b\"", "<=", "A", false)]
    [InlineData("\"Debian\"", "=~", "/^deb/", true)]
    [InlineData("\"Debian\"", "=~", "^bian", false)]
    [InlineData("1.5", "==", "1.50", true)]
    [InlineData("1.5", "!=", "1.50", false)]
    [InlineData("1.5", ">", "1.5", true)]
    [InlineData("1.5", ">=", "1.6", false)]
    [InlineData("1.5", "=~", @"^1.5$", false)]
    [InlineData("1.5", "=~", @"^1\.50", true)]
    [InlineData("12.9", "==", "12", true)]
    [InlineData("12", "!=", "12", false)]
    [InlineData("12", ">", "12", false)]
    [InlineData("12", ">=", "12", true)]
    [InlineData("12", "<", "x", false)]
    [InlineData("12", "=~", "^1", true)]
    [InlineData("true", "==", "t", true)]
    [InlineData("true", "!=", "t", false)]
    [InlineData("true", "!=", "no", true)]
    [InlineData("true", ">", "1", false)]
    [InlineData("false", "==", "no", true)]
    [InlineData("false", "!=", "no", true)]
    [InlineData("false", "==", "true", false)]
    [InlineData("false", "<", "no", false)]
    public void Holds_ComparesAsNodesDo(string fact, string comparison, string value, bool expected)
    {
        using var document = JsonDocument.Parse(fact);

        Assert.Equal(expected, FactTest.Of("fact", comparison, value).Holds(FactValue.OfOrNull(document.RootElement)!.Value));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[1]")]
    public void OfOrNull_IsNoValue_WhenNothingCanBeComparedWithIt(string fact)
    {
        using var document = JsonDocument.Parse(fact);

        Assert.Null(FactValue.OfOrNull(document.RootElement));
    }

    [Theory]
    [InlineData("os.family=Debian", "os.family")]
    [InlineData(" a >= 12 ", "a")]
    [InlineData("a=>12", "a")]
    [InlineData("a=/x=y/", "a")]
    [InlineData("role", null)]
    [InlineData("role::web", null)]
    public void ReadOrNull_FindsTheFact(string text, string? path) => Assert.Equal(path, FactTest.ReadOrNull(text)?.Path);

    [Theory]
    [InlineData("a*=1")]
    [InlineData("a|b=1")]
    [InlineData("a=")]
    [InlineData("a=/(/")]
    [InlineData("a=/(?=x)/")]
    public void ReadOrNull_Refuses_WhatItCannotAnswerFor(string text) => Assert.Throws<FilterException>(() => FactTest.ReadOrNull(text));
}
