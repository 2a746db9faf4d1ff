using ControlPlane.Adapters.Fleet;
using ControlPlane.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Tests.Fleet;

/// <summary>Files that are replaced as Kubernetes does it: by another folder behind the link <c>..data</c>.</summary>
public sealed class FileStampTests : IDisposable
{
    private static readonly DateTime Written = new(2026, 11, 1, 0, 0, 0, DateTimeKind.Utc);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("controlplane-stamps-");

    private string Link => Path.Combine(folder.FullName, "list.json");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void Of_Changes_WhenTheFolderBehindTheLinkIsSwapped()
    {
        Put("one", "{}", Written);
        File.CreateSymbolicLink(Link, Path.Combine("..data", "list.json"));
        var before = FileStamp.Of(Link);
        Assert.Equal(before, FileStamp.Of(Link));

        Put("two", "{}", Written.AddMinutes(1));

        Assert.NotEqual(before, FileStamp.Of(Link));
        Assert.Equal(default, FileStamp.Of(Path.Combine(folder.FullName, "missing")));
        Assert.Equal(default, FileStamp.Of("nul\0"));
    }

    [Fact]
    public void AllowList_IsReadAgain_WhenTheFolderBehindTheLinkIsSwapped()
    {
        Put("one", "{}", Written);
        File.CreateSymbolicLink(Link, Path.Combine("..data", "list.json"));
        var list = new AllowList(Options.Create(new NodeProofOptions { AllowListFile = Link }), NullLogger<AllowList>.Instance);
        Assert.Null(list.FindOrNull("web1.example.net"));

        Put("two", """{ "web1.example.net": {} }""", Written);

        Assert.NotNull(list.FindOrNull("web1.example.net"));
    }

    private void Put(string version, string content, DateTime at)
    {
        var data = Path.Combine(folder.FullName, "..data");
        var file = Path.Combine(folder.CreateSubdirectory(version).FullName, "list.json");
        File.WriteAllText(file, content);
        File.SetLastWriteTimeUtc(file, at);
        if (new FileInfo(data).LinkTarget is not null)
        {
            File.Delete(data);
        }

        Directory.CreateSymbolicLink(data, version);
    }
}
