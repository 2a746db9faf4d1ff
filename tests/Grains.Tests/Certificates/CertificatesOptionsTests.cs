using Microsoft.Extensions.DependencyInjection;

namespace ControlPlane.Certificates;

public sealed class CertificatesOptionsTests
{
    private static readonly IssuerCapabilities Incapable = new(false, false, false, false, false, false, false, null);

    [Fact]
    public void Validate_FindsNothing_WhenTheIssuerCanDoWhatTheProfileAsks() => Assert.Empty(Faults(
        new CertificateProfile
        {
            Issuers = ["able"],
            DnsNames = ["{host}.alt.example.net", "{identity}.example.org"],
            Uris = ["spiffe://example.net/{overlay}/{identity}"],
            OrganizationalUnit = "{overlay}",
            Revocable = true,
        }));

    [Fact]
    public void Validate_NamesAllThatTheIssuerCannotDo_AtOnce()
    {
        var faults = Faults(new CertificateProfile
        {
            Issuers = ["unable", "absent"],
            DnsNames = ["{host}.alt.example.net"],
            Uris = ["spiffe://example.net/{identity}"],
            Organization = "Example Corp",
            Revocable = true,
        });

        Assert.Collection(
            faults,
            fault => Assert.Contains("'unable', which cannot be ordered to write subject attributes", fault, StringComparison.Ordinal),
            fault => Assert.Contains("'unable', which cannot be ordered to write DNS names", fault, StringComparison.Ordinal),
            fault => Assert.Contains("'unable', which cannot be ordered to write URIs", fault, StringComparison.Ordinal),
            fault => Assert.Contains("'unable', which cannot revoke", fault, StringComparison.Ordinal),
            fault => Assert.Contains("'absent', which is not configured", fault, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("all.example.net", "every node the same")]
    [InlineData("{identity}.mcollective", "kept for clients")]
    [InlineData("{node}.example.net", "unknown placeholder {node}")]
    [InlineData("*.{identity}", "no DNS name")]
    [InlineData("{identity}.", "no DNS name")]
    [InlineData("{HOST}.example.net", "unknown placeholder {HOST}")]
    public void Validate_RefusesTemplatesOfDnsNames(string template, string fault) =>
        Assert.Contains(
            fault, Assert.Single(Faults(new CertificateProfile { Issuers = ["able"], DnsNames = [template] })), StringComparison.Ordinal);

    [Theory]
    [InlineData("spiffe://example.net/node", "every node the same")]
    [InlineData("{identity}", "no absolute URI")]
    [InlineData("mailto:{identity}", "no absolute URI")]
    public void Validate_RefusesTemplatesOfUris(string template, string fault) =>
        Assert.Contains(
            fault, Assert.Single(Faults(new CertificateProfile { Issuers = ["able"], Uris = [template] })), StringComparison.Ordinal);

    [Fact]
    public void Fill_TakesEachPlaceholderFromWhatIsVerified()
    {
        Assert.Equal(
            "web1.example.net web1 example.net eu", NameTemplate.Fill("{identity} {host} {domain} {overlay}", "web1.example.net", "eu"));
        Assert.Equal("web1 web1 ", NameTemplate.Fill("{identity} {host} {domain}", "web1", "eu"));
        Assert.Null(NameTemplate.Fill(null, "web1", "eu"));
    }

    private static IReadOnlyList<string> Faults(CertificateProfile profile)
    {
        using var services = new ServiceCollection()
            .AddKeyedSingleton<ICertificateIssuer>("able", new ScriptedIssuer("able"))
            .AddKeyedSingleton<ICertificateIssuer>("unable", new ScriptedIssuer("unable") { Capabilities = Incapable })
            .BuildServiceProvider();
        var result = new CertificatesOptionsValidator(services).Validate(
            null, new CertificatesOptions { Profiles = { ["node"] = profile } });
        return result.Failures is { } failures ? [.. failures] : [];
    }
}
