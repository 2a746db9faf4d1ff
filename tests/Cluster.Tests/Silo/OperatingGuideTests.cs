using System.Text.RegularExpressions;
using ControlPlane.Commands;

namespace ControlPlane.Cluster.Tests.Silo;

/// <summary>docs/OPERATING.md is held to the code: its configurations are valid.</summary>
public sealed partial class OperatingGuideTests : IDisposable
{
    private const string Fence = "```";
    private const string ConfigurationMark = "# /etc/controlplane/controlplane.yaml";

    private static readonly string Guide = File.ReadAllText(Path.Combine(Repository.Root, "docs", "OPERATING.md"));

    private readonly GuideCredentials _credentials = new(Guide);
    private readonly string _folder = Directory.CreateTempSubdirectory("controlplane-guide-").FullName;

    public static TheoryData<int> Configurations => [.. Enumerable.Range(0, Blocks().Count)];

    public void Dispose()
    {
        _credentials.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void TheGuide_HasAConfigurationForEachKindOfNetwork() => Assert.Equal(3, Blocks().Count);

    [Theory]
    [MemberData(nameof(Configurations))]
    public async Task AConfigurationOfTheGuide_HasNoFaults(int index)
    {
        var text = Blocks()[index].Replace("/etc/controlplane", _folder, StringComparison.Ordinal)
            .Replace("/var/lib/controlplane", Path.Combine(_folder, "data"), StringComparison.Ordinal)
            .Replace(IssuerExample().Match(Guide).Groups[1].Value, _credentials.IssuerPublicKey, StringComparison.Ordinal);
        text = SiteExample().Replace(text, $"eu-1: [ {_credentials.SitePublicKey} ]");
        foreach (Match named in FileNamed().Matches(text))
        {
            Supply(named.Value);
        }

        var path = Path.Combine(_folder, "controlplane.yaml");
        await File.WriteAllTextAsync(path, text, TestContext.Current.CancellationToken);
        var (output, error) = (new StringWriter(), new StringWriter());

        var exitCode = await CommandLine.RunAsync(["config", "check", "--config", path], output, error);

        Assert.Equal("", error.ToString());
        Assert.Equal(ExitCodes.Done, exitCode);
        Assert.Contains("it runs without a proof of each node", output.ToString(), StringComparison.Ordinal);
    }

    private static List<string> Blocks() =>
    [
        .. Guide.Split(Fence + "yaml\n").Skip(1)
            .Select(rest => rest[..rest.IndexOf(Fence, StringComparison.Ordinal)])
            .Where(block => block.StartsWith(ConfigurationMark, StringComparison.Ordinal)),
    ];

    private void Supply(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, _credentials.Content(path));
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [GeneratedRegex("    choria: ([0-9a-f]{64})")]
    private static partial Regex IssuerExample();

    [GeneratedRegex(@"eu-1: \[ [0-9a-f]{64} \]")]
    private static partial Regex SiteExample();

    // What ends in .pem, and what is among the secrets.
    [GeneratedRegex(@"/[A-Za-z0-9/_.-]*controlplane-guide-[A-Za-z0-9_]+/([a-z0-9.-]+\.pem|secrets/[a-z0-9.-]+)")]
    private static partial Regex FileNamed();
}
