using ControlPlane.Nodes;

namespace ControlPlane.Configuration;

/// <summary>The layers of node configuration, and secrets, as files of this machine.</summary>
internal sealed class LayerFolder : ILayerFiles
{
    private const int FilesMax = 200;
    private const int FileBytesMax = 1024 * 1024;
    private const int SecretBytesMax = 4096;

    public IReadOnlyList<LayerFile> Read(string? folder) => Translated(() =>
    {
        var found = folder is null ? [] : new DirectoryInfo(folder).GetFiles("*.yaml");
        var files = found.OrderBy(file => file.Name, StringComparer.Ordinal).ToList();
        return files.Count > FilesMax
            ? throw new IOException($"{folder} holds more than {FilesMax} files")
            : files.ConvertAll(file => new LayerFile(file.Name, File.ReadAllText(Within(file, FileBytesMax))));
    });

    public async Task<string> ReadSecretAsync(string path, CancellationToken cancellationToken)
    {
        var file = Translated(() => Within(new FileInfo(path), SecretBytesMax));
        try
        {
            return (await File.ReadAllTextAsync(file, cancellationToken)).Trim();
        }
        catch (UnauthorizedAccessException forbidden)
        {
            throw new IOException(forbidden.Message, forbidden);
        }
    }

    private static string Within(FileInfo file, int bytesMax) => file.Length <= bytesMax
        ? file.FullName
        : throw new IOException($"{file.FullName} has more than {bytesMax} bytes");

    private static T Translated<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception unfit) when (unfit is UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new IOException(unfit.Message, unfit);
        }
    }
}

/// <summary>Registers the files of configuration layers.</summary>
internal static class LayerFilesHosting
{
    public static ISiloBuilder AddLayerFiles(this ISiloBuilder silo)
    {
        silo.Services.AddSingleton<ILayerFiles, LayerFolder>();
        return silo;
    }
}
