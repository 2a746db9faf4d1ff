namespace ControlPlane.Nodes;

/// <summary>The operator's files of configuration layers, and the files that secrets are in.</summary>
public interface ILayerFiles
{
    /// <summary>All files of layers that a folder holds now, in order of name; none for no folder.</summary>
    /// <exception cref="IOException">The folder or a file cannot be read, or is too large.</exception>
    IReadOnlyList<LayerFile> Read(string? folder);

    /// <summary>The secret that a file holds, without white space around it.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    Task<string> ReadSecretAsync(string path, CancellationToken cancellationToken);
}

/// <param name="Name">The file's name, for messages and origins.</param>
/// <param name="Text">Its YAML.</param>
public sealed record LayerFile(string Name, string Text);
