using System.Text.Json;

namespace ControlPlane.Cluster.Tests.Silo;

public sealed class OpenApiTests
{
    private static readonly JsonSerializerOptions Readable = new()
    {
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    [Fact]
    public async Task TheCommittedDocument_IsWhatTheApiIs()
    {
        await using var api = await ApiHost.StartAsync();
        using var document = JsonDocument.Parse(await api.GetTextAsync("/openapi/v1.json"));
        var served = JsonSerializer.Serialize(document, Readable) + "\n";

        var path = Path.Combine(Repository.Root, "docs", "openapi.json");
        var committed = File.Exists(path) ? await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken) : "";
        if (committed != served)
        {
            var actual = Path.Combine(AppContext.BaseDirectory, "openapi.json");
            await File.WriteAllTextAsync(actual, served, TestContext.Current.CancellationToken);
            Assert.Fail($"The API is another than docs/openapi.json says. If it should be: cp {actual} {path}");
        }
    }
}

/// <summary>Where the sources are.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "ControlPlane.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException($"ControlPlane.sln is not above {AppContext.BaseDirectory}");
        }

        return folder.FullName;
    }
}
