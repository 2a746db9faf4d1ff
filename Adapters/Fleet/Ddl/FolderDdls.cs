using ControlPlane.Jobs;

namespace ControlPlane.Adapters.Fleet.Ddl;

/// <summary>The DDLs of a folder. Faults of one file do not keep the others from being used.</summary>
internal sealed record FolderDdls(IReadOnlyDictionary<string, AgentDdl> Ddls, IReadOnlyList<string> Faults, IReadOnlyList<string> Files)
{
    /// <summary>Files that are read; real folders have some fifty.</summary>
    private const int FilesMax = 1000;

    public static FolderDdls Read(string folder)
    {
        try
        {
            string[] files = [.. Directory.EnumerateFiles(folder, "*.json").Order(StringComparer.Ordinal)];
            return Read(folder, files);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return new FolderDdls(new Dictionary<string, AgentDdl>(), [$"{folder} cannot be read: {unreadable.Message}"], []);
        }
    }

    private static FolderDdls Read(string folder, string[] files)
    {
        var faults = new List<string>();
        if (files.Length > FilesMax)
        {
            faults.Add($"{folder} has {files.Length} DDLs, at most {FilesMax} are read");
        }

        var ddls = new Dictionary<string, AgentDdl>(StringComparer.Ordinal);
        foreach (var file in files.Take(FilesMax))
        {
            var read = ReadFile(file);
            faults.AddRange(read.Faults.Select(fault => $"{file}: {fault}"));
            if (read.Ddl is not { } ddl)
            {
                continue;
            }

            if (ddl.Name != Path.GetFileNameWithoutExtension(file))
            {
                faults.Add($"{file}: metadata.name is '{ddl.Name}'; it must be as the file is called");
            }
            else
            {
                ddls[ddl.Name] = ddl;
            }
        }

        return new FolderDdls(ddls, faults, [.. files.Take(FilesMax)]);
    }

    private static DdlRead ReadFile(string file)
    {
        try
        {
            return new FileInfo(file).Length <= DdlReader.BytesMax
                ? DdlReader.Read(File.ReadAllBytes(file))
                : new DdlRead(null, [$"has more than {DdlReader.BytesMax} bytes"]);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return new DdlRead(null, [$"cannot be read: {unreadable.Message}"]);
        }
    }
}
